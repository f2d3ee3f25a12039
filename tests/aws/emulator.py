"""Runs ministack with corrections that the tests need, and records the calls of each function."""
import json
import os
import re

import ministack.app as app
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as functions
import ministack.services.sqs as sqs

# AWS gives a FIFO queue's conversations to as many workers as MaximumConcurrency allows; ministack uses one worker.
functions._sqs_esm_concurrency = lambda mapping, *_, **__: (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or 5

# A function may answer API Gateway with "body": null, as every Rust function does; ministack fails with it.
respond = app._send_response


async def respond_without_body(send, status, headers, body, *args, **kwargs):
    await respond(send, status, headers, b"" if body is None else body, *args, **kwargs)


app._send_response = respond_without_body

# SQS keeps the trace of each message, also in a batch; ministack loses it in a batch.
send, send_batch = sqs._act_send_message, sqs._act_send_message_batch


def send_batch_with_traces(data, url):
    traces = iter([entry.get("MessageSystemAttributes") for entry in data.get("Entries", [])])
    sqs._act_send_message = lambda message, url: send({**message, "MessageSystemAttributes": next(traces)}, url)
    try:
        return send_batch(data, url)
    finally:
        sqs._act_send_message = send


sqs._HANDLERS["SendMessageBatch"] = send_batch_with_traces

# ministack refuses an alarm on an expression of several metrics. It evaluates no alarm of a stack anyway, so such an
# alarm becomes one on the first of its metrics.
alarm_record = provisioners._cw_metric_alarm_record


def alarm_record_with_expression(name, props):
    metrics = [metric["MetricStat"] for metric in props.get("Metrics", []) if "MetricStat" in metric]
    if metrics:
        first = metrics[0]
        props = {**props, **first["Metric"], "Period": first["Period"], "Statistic": first["Stat"], "Metrics": None}
    return alarm_record(name, props)


provisioners._cw_metric_alarm_record = alarm_record_with_expression

# The recorded calls are the source of the permissions: cdk/test/calls.txt holds them, and the deployment grants them.
TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
dispatch = app._dispatch_service_request
seen = set()


def permissions(target, request):
    """Returns the IAM actions that a call needs, each with its resource."""
    service, action = re.split("[_.]", target)[0], target.rsplit(".", 1)[-1]
    if service == "AmazonSQS":
        queue = request["QueueUrl"].rsplit("/", 1)[-1].removesuffix(".fifo")
        return [f"sqs:{action.removesuffix('Batch')} {queue}"]
    if service == "DynamoDB":
        transacted = [(TRANSACTED[kind], of["TableName"]) for item in request.get("TransactItems", []) for kind, of in item.items()]
        calls = transacted or [(action, name) for name in request.get("RequestItems", [request.get("TableName")])]
        return [f"dynamodb:{action} {place(table, request.get('IndexName'))}" for action, table in calls]
    # GetParameters needs its permission for each parameter that it names.
    names = request.get("Names") or [request["Name"]]
    return [f"ssm:{action} {re.sub(r'^/henji/[^/]+/', '', name)}" for name in names]


def place(table, index):
    """Returns "table" or "index" for those of the deployment; any other by its name, which is not in calls.txt."""
    is_ours = re.fullmatch(r"Messages(-\w+)?", table)
    return {None: "table", "byLineUserId": "index"}.get(index, index) if is_ours else table


async def written_down(method, path, headers, body, *args, **kwargs):
    # The stories start each function with its name as the SDK's application id.
    function = re.search(r"\bapp/(\w+)", headers.get("user-agent", ""))
    if function:
        for permission in permissions(headers["x-amz-target"], json.loads(body)):
            line = f"{function[1]} {permission}\n"
            if line not in seen:
                seen.add(line)
                with open(os.environ["CALLS"], "a") as calls:
                    calls.write(line)
    return await dispatch(method, path, headers, body, *args, **kwargs)


app._dispatch_service_request = written_down
app.main()
