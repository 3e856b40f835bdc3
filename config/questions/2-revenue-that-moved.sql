-- Revenue (EUR) that a table of current addresses would put into the wrong city
select o.city as lived_in, n.city as lives_in_now, count(*) as order_lines, cast(sum(f.amount_eur) as decimal(18, 2)) as revenue_eur
from gold.fact_sales f
join gold.dim_customer o on o.customer_sk = f.customer_sk
join gold.dim_customer n on n.customer_id = f.customer_id and n.is_current
where o.city <> n.city
group by o.city, n.city
order by revenue_eur desc, lived_in, lives_in_now
limit 5
