select
  order_line_id,
  order_id,
  line_number,
  customer_id,
  product_id,
  ordered_at,
  order_date,
  cast(year(ordered_at) * 10000 + month(ordered_at) * 100 + day(ordered_at) as int) as date_sk,
  quantity,
  unit_price,
  currency,
  amount,
  fx_rate,
  amount_eur,
  status
from silver.orders
