select
  -- all eight fields; chr(30) stands for a missing one, so that it differs from an empty text
  md5(concat_ws(chr(31),
    coalesce(InvoiceNo, chr(30)),
    coalesce(StockCode, chr(30)),
    coalesce(Description, chr(30)),
    coalesce(cast(Quantity as string), chr(30)),
    coalesce(cast(InvoiceDate as string), chr(30)),
    coalesce(cast(UnitPrice as string), chr(30)),
    coalesce(cast(CustomerID as string), chr(30)),
    coalesce(Country, chr(30))
  )) as line_id,
  InvoiceNo as invoice_no,
  StockCode as stock_code,
  Description as description,
  Quantity as quantity,
  InvoiceDate as invoice_date,
  UnitPrice as unit_price,
  CustomerID as customer_id,
  Country as country,
  substr(InvoiceNo, 1, 1) = 'C' as is_cancellation,
  _op, _record_ts, _epoch, _partition, _offset
from bronze.order_lines
