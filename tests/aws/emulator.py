"""ministack, mended where the tests need it."""
import ministack.app as app
import ministack.services.lambda_svc as functions

# AWS brings a FIFO queue's conversations to as many workers as MaximumConcurrency allows; ministack has one.
functions._sqs_esm_concurrency = lambda mapping, *_, **__: (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or 5

# A function may answer API Gateway with "body": null, as every Rust function does; ministack fails on it.
respond = app._send_response


async def respond_without_body(send, status, headers, body, *args, **kwargs):
    await respond(send, status, headers, b"" if body is None else body, *args, **kwargs)


app._send_response = respond_without_body
app.main()
