"""Serves LiteLLM's proxy in front of a llama.cpp server until its input ends: litellm_proxy.py ADDRESS. Prints its
address as soon as it answers.

It has no database, so `key` stands in for the table of keys, whose fields and rules are LiteLLM's own.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request


async def key(_request, api_key):
    from litellm.proxy._types import ProxyErrorTypes, ProxyException, UserAPIKeyAuth

    budgets = {"an-api-key": None, "a-poor-key": 0.001}
    if api_key in budgets:
        return UserAPIKeyAuth(api_key=api_key, max_budget=budgets[api_key])
    message = "Authentication Error, Invalid proxy server token passed"
    raise ProxyException(message, ProxyErrorTypes.token_not_found_in_db, "key", 401)


def config(upstream):
    tiny = {"model": "openai/tiny", "api_base": f"{upstream}/v1", "api_key": "an-api-key", "input_cost_per_token": 0.001}
    return {
        "model_list": [{"model_name": "tiny", "litellm_params": tiny}],
        "general_settings": {
            "master_key": "sk-unused-but-required",
            "custom_auth": "litellm_proxy.key",
            "custom_auth_run_common_checks": True,
        },
    }


def tell_when_it_answers(address, out):
    while True:
        try:
            urllib.request.urlopen(f"{address}/health/liveliness")
            break
        except OSError:
            time.sleep(0.1)
    print(address, file=out, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    # LiteLLM prints, too.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # It downloads its list of prices otherwise.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threading.Thread(target=tell_when_it_answers, args=(f"http://127.0.0.1:{port}", out), daemon=True).start()

    from litellm import run_server

    # It looks for `key` beside its configuration.
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(__file__), f"{folder}/litellm_proxy.py")
        with open(f"{folder}/config.yaml", "w") as file:
            json.dump(config(sys.argv[1]), file)
        run_server(["--config", file.name, "--host", "127.0.0.1", "--port", str(port)])
