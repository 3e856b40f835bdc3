select
  event_id,
  customer_id,
  product_id,
  session_id,
  event_type,
  event_time,
  event_date,
  cast(year(event_time) * 10000 + month(event_time) * 100 + day(event_time) as int) as date_sk,
  duration_ms,
  latest_order_id
from silver.customer_activity
