"""ministack with what these tests need beyond it: workers side by side, and a record of who called what."""
import ministack.services.lambda_svc as functions
from ministack.app import main

# AWS brings a FIFO queue's conversations to as many workers as MaximumConcurrency allows; ministack has one.
functions._sqs_esm_concurrency = lambda mapping, *_, **__: (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or 5

main()
