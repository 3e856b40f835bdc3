select
  event_id,
  customer_id,
  event_type,
  product_id,
  session_id,
  duration_ms,
  event_time,
  cast(event_time as date) as event_date,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.behavior
