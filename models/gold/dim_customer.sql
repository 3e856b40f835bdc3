select
  customer_id,
  trim(name) as name,
  lower(trim(email)) as email,
  trim(city) as city,
  trim(country) as country,
  segment,
  updated_at,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.customers
