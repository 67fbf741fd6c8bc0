# A request, a call that fails, a log record about it, an exception, an event and two metrics, through Microsoft's exporter.
import logging, sys, time
from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter, AzureMonitorMetricExporter, AzureMonitorTraceExporter
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_tracer_provider

connection = sys.argv[1]
options = {"connection_string": connection, "disable_offline_storage": True}
resource = Resource.create({"service.name": "ai-python", "service.instance.id": "one"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**options)))
set_tracer_provider(tracers)
meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options))])
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(SimpleLogRecordProcessor(AzureMonitorLogExporter(**options)))

meters.get_meter("test").create_counter("orders").add(3, {"kind": "book"})
meters.get_meter("test").create_histogram("wait", unit="ms").record(250)
tracer = tracers.get_tracer("test")
with tracer.start_as_current_span("GET /checkout", kind=SpanKind.SERVER, attributes={"http.method": "GET", "http.status_code": 500, "http.url": "http://shop/checkout"}) as outer:
    outer.set_status(Status(StatusCode.ERROR))
    with tracer.start_as_current_span("GET /pay", kind=SpanKind.CLIENT, attributes={"http.method": "GET", "http.status_code": 503, "http.url": "http://pay.local/pay"}):
        loggers.get_logger("test").emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.WARN, severity_text="WARN", body="card declined"))
        loggers.get_logger("test").emit(LogRecord(
            timestamp=time.time_ns(), severity_number=SeverityNumber.ERROR, severity_text="ERROR", body="boom",
            attributes={"exception.type": "CardError", "exception.message": "declined", "exception.stacktrace": "in pay"}))
        loggers.get_logger("test").emit(LogRecord(
            timestamp=time.time_ns(), severity_number=SeverityNumber.INFO, body="x", attributes={"microsoft.custom_event.name": "OrderPlaced", "amount": 9}))
    print(format(outer.get_span_context().trace_id, "032x"))
flushed = [tracers.force_flush(), meters.force_flush(), loggers.force_flush()]
for provider in (tracers, meters, loggers):
    provider.shutdown()
sys.exit(0 if all(flushed) else 1)
