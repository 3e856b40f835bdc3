-- Products whose name changed most, and under how many names their sales stand (only SCD2 can tell)
select p.stock_code, count(distinct p.product_sk) as versions, sum(f.quantity) as quantity, cast(sum(f.revenue) as decimal(18, 2)) as revenue
from gold.fact_sales f
join gold.dim_product p on p.product_sk = f.product_sk
group by p.stock_code
having count(distinct p.product_sk) > 1
order by versions desc, revenue desc, p.stock_code
limit 5
