select
  line_id,
  invoice_no,
  stock_code,
  customer_id,
  invoice_date,
  cast(year(invoice_date) * 10000 + month(invoice_date) * 100 + day(invoice_date) as int) as date_sk,
  cast(invoice_date as date) as sale_date,
  quantity,
  unit_price,
  cast(quantity * unit_price as decimal(31, 3)) as revenue,
  is_cancellation
from silver.order_lines
