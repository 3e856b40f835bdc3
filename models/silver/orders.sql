select
  order_line_id,
  order_id,
  line_number,
  customer_id,
  product_id,
  quantity,
  unit_price,
  currency,
  cast(quantity * unit_price as decimal(18, 2)) as amount,
  status,
  ordered_at,
  cast(ordered_at as date) as order_date,
  updated_at,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.orders
