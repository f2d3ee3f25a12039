"""Serves a tiny model by llama.cpp until its input ends: llama.py TEMPLATE CONTEXT SLOTS. Prints its address.

The model has no use for its weights but one: each token has one successor. So the chat template chooses the answer by
the last token of the prompt. Each byte of a question is a token.
"""

import os
import sys
import tempfile

import gguf
import numpy as np
import xllamacpp

ANSWER = ["Good", " day", " to", " you."]
THOUGHT = ["Some", " hidden", " thought."]
LOOP = [" and", " on"]
CONTROL = ["<s>", "</s>", "<|user|>", "<|assistant|>", "<think>", "</think>", "<|endless|>"]
CHAINS = [
    ["<|assistant|>", *ANSWER, "</s>"],
    ["<think>", *THOUGHT, "</think>", ANSWER[0]],
    ["<|endless|>", *LOOP, LOOP[0]],
]
# The width is at least the number of tokens, so that each token has a dimension of its own.
WIDTH, HEADS = 320, 5

TURN = "{{ '<|' + m.role + '|>' if m.role != 'system' else '' }}{{ m.content }}"
TURNS = "{% for m in messages %}" + TURN + "{% endfor %}"
START = "{% if 'endlessly' in messages[-1].content %}<|endless|>{% else %}<|assistant|>{% endif %}"
TEMPLATES = {
    "plain": TURNS + START,
    # llama.cpp recognises Gemma's own way to refuse a system message, and merges it. It does not where the template
    # reads the message first.
    "gemma": "{% if messages[0].role == 'system' and messages[0].content %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    + TURN
    + "{% endfor %}"
    + START,
    # llama.cpp recognises the thoughts of the first, but not of the second.
    "thoughts": "{% for m in messages %}{% if m.role == 'assistant' and m.reasoning_content %}"
    "<|assistant|><think>{{ m.reasoning_content }}</think>{{ m.content }}</s>{% else %}"
    + TURN
    + "{% if m.role == 'assistant' %}</s>{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>{% endif %}",
    "unmarked-thoughts": TURNS + "<|assistant|><think>",
}


def letters():
    """Returns how GPT-2's vocabulary writes each byte."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = iter(range(256, 512))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]


def write_model(path, template):
    space = letters()[32]
    names = [*CONTROL, *ANSWER, *THOUGHT, *LOOP]
    tokens = letters() + [name.replace(" ", space) for name in names]
    ids = {name: 256 + n for n, name in enumerate(names)}
    types = [gguf.TokenType.NORMAL] * len(tokens)
    for name in CONTROL:
        types[ids[name]] = gguf.TokenType.USER_DEFINED if "think>" in name else gguf.TokenType.CONTROL

    successors = np.zeros((len(tokens), WIDTH), np.float32)
    for chain in CHAINS:
        for token, successor in zip(chain, chain[1:]):
            successors[ids[successor], ids[token]] = 10

    head = WIDTH // HEADS
    tensors = {
        "token_embd": np.eye(len(tokens), WIDTH, dtype=np.float32),
        "output_norm": np.ones(WIDTH, np.float32),
        "output": successors,
    }
    layer = {
        "attn_norm": (WIDTH,),
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (head, WIDTH),
        "attn_v": (head, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_norm": (WIDTH,),
        "ffn_gate": (head, WIDTH),
        "ffn_up": (head, WIDTH),
        "ffn_down": (WIDTH, head),
    }
    tensors |= {f"blk.0.{name}": np.zeros(shape, np.float32) for name, shape in layer.items()}

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(head)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([f"{space} {space}"])
    writer.add_bos_token_id(ids["<s>"])
    writer.add_eos_token_id(ids["</s>"])
    writer.add_chat_template(template)
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


template, context, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with tempfile.TemporaryDirectory() as folder:
    params = xllamacpp.CommonParams()
    params.model.path = f"{folder}/tiny.gguf"
    write_model(params.model.path, TEMPLATES[template])
    params.model_alias = {"tiny"}
    params.api_keys = ["an-api-key"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
