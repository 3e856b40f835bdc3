select
  product_id,
  trim(name) as name,
  category,
  price,
  updated_at,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.products
