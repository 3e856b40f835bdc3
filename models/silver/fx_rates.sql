select
  currency,
  rate_date,
  rate,
  published_at,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.fx_rates
