select
  CustomerID as customer_id,
  Country as country,
  InvoiceNo as invoice_no,
  InvoiceDate as invoice_date,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.order_lines
where CustomerID is not null
