-- Revenue by month (GBP), cancellations taken off
select d.year, d.month, count(*) as order_lines, cast(sum(f.revenue) as decimal(18, 2)) as revenue
from gold.fact_sales f
join gold.dim_date d on d.date_sk = f.date_sk
group by d.year, d.month
order by d.year, d.month
