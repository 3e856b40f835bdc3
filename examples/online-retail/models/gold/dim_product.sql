select
  StockCode as stock_code,
  -- trimmed, inner spaces collapsed, upper case
  upper(trim(replace(replace(replace(Description,
    ' ', concat(chr(1), chr(2))), concat(chr(2), chr(1)), ''), concat(chr(1), chr(2)), ' '))) as description,
  InvoiceNo as invoice_no,
  InvoiceDate as invoice_date,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.order_lines
where trim(Description) <> '' or _op = 'd'
