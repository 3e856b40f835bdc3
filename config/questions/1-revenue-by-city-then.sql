-- Revenue (EUR) by the city where each customer lived when ordering
select c.city, count(*) as order_lines, count(distinct f.customer_id) as customers, cast(sum(f.amount_eur) as decimal(18, 2)) as revenue_eur
from gold.fact_sales f
join gold.dim_customer c on c.customer_sk = f.customer_sk
where c.city is not null
group by c.city
order by revenue_eur desc, c.city
limit 5
