"""What the embedded agent says, in English and in Chinese; words only, no logic but the choice."""

# ruff: noqa: RUF001 - the full-width punctuation is Chinese, and meant.

import re

from attrs import frozen

from openclaw.agents.runtimes import control_phrases
from openclaw.agents.runtimes.control_phrases import ControlPhrases

# Han characters; kana beside them would be Japanese, which is answered in English.
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")

SNIPPET = """\
{
  "models": {
    "providers": {
      "ollama": {
        "baseUrl": "http://127.0.0.1:11434/v1",
        "apiKey": "ollama",
        "api": "openai-completions",
        "models": [{ "id": "llama3.2", "name": "Llama 3.2" }]
      }
    }
  },
  "agents": { "defaults": { "model": { "primary": "ollama/llama3.2" } } }
}"""
"""The example of a local model, as it is pasted into ``openclaw.json``."""


_HOW_TO_ADD = (
    "To add a model, do one of these and restart the gateway:\n\n"
    "- Set OPENAI_API_KEY or ANTHROPIC_API_KEY in the gateway's environment.\n"
    "- Or name any OpenAI-compatible server in openclaw.json. For a local Ollama:\n\n"
    f"```json\n{SNIPPET}\n```\n\n"
    "Then /model shows what I will use."
)
_HOW_TO_ADD_CHINESE = (
    "要添加模型，请任选一种方式，然后重启网关：\n\n"
    "- 在网关的环境变量中设置 OPENAI_API_KEY 或 ANTHROPIC_API_KEY。\n"
    "- 或者在 openclaw.json 中填写任意兼容 OpenAI 的服务器。以本机 Ollama 为例：\n\n"
    f"```json\n{SNIPPET}\n```\n\n"
    "之后用 /model 查看将要使用的模型。"
)


@frozen
class Phrases:
    """One language; ``{}`` fields are filled by the commands."""

    no_model: str
    how_to_add: str
    unknown: str
    not_yours: str
    help_title: str
    help_tail: str
    no_sessions: str
    no_nodes: str
    no_cron: str
    more: str
    message_count: str
    active: str
    models_title: str
    only_embedded: str
    default_mark: str
    unavailable: str
    how_to_choose: str
    reset_done: str
    summaries: dict[str, str]
    control: ControlPhrases


ENGLISH = Phrases(
    no_model=(
        "No model is configured yet, so I cannot answer that. I am the embedded agent: I need no "
        f"key, and I only answer commands such as /help.\n\n{_HOW_TO_ADD}"
    ),
    how_to_add=_HOW_TO_ADD,
    unknown="I do not know {command}. /help lists the commands I answer.",
    not_yours="{command} is for the owner of this gateway.",
    help_title="Commands I answer without a model:",
    help_tail="Everything else goes to the configured model; /model shows it.",
    no_sessions="There is no session yet.",
    no_nodes="No node is connected or paired.",
    no_cron="No job is scheduled.",
    more="… and {count} more.",
    message_count="{count} messages",
    active="running",
    models_title="Models:",
    only_embedded="No model is configured; the embedded agent answers.",
    default_mark="default",
    unavailable="not usable",
    how_to_choose=(
        'The default is agents.defaults.model.primary in openclaw.json: "provider/model".'
    ),
    reset_done="This session starts anew.",
    summaries={
        "help": "list these commands",
        "status": "version, uptime, connections, model, store",
        "sessions": "the sessions, the latest first",
        "nodes": "devices that offer camera, screen or location",
        "cron": "scheduled jobs",
        "model": "the models there are, and the default",
        "reset": "forget this session's conversation and start anew",
        "stop": "stop what runs and waits in this session",
        "approve": "allow one dangerous thing, once: /approve <id>",
        "deny": "refuse it: /deny <id>",
    },
    control=control_phrases.ENGLISH,
)

CHINESE = Phrases(
    no_model=(
        "还没有配置任何模型，所以我无法回答这个问题。我是内置助手：不需要密钥，"
        f"只能回答 /help 之类的命令。\n\n{_HOW_TO_ADD_CHINESE}"
    ),
    how_to_add=_HOW_TO_ADD_CHINESE,
    unknown="我不认识 {command}。输入 /help 查看我能回答的命令。",
    not_yours="{command} 仅供此网关的所有者使用。",
    help_title="没有模型时我也能回答的命令：",
    help_tail="其他内容会交给已配置的模型；用 /model 查看。",
    no_sessions="还没有会话。",
    no_nodes="没有已连接或已配对的节点。",
    no_cron="没有定时任务。",
    more="…… 另有 {count} 个。",
    message_count="{count} 条消息",
    active="运行中",
    models_title="模型：",
    only_embedded="没有配置模型，由内置助手回答。",
    default_mark="默认",
    unavailable="不可用",
    how_to_choose=(
        '默认模型由 openclaw.json 中的 agents.defaults.model.primary 决定："provider/model"。'
    ),
    reset_done="本会话已重新开始。",
    summaries={
        "help": "列出这些命令",
        "status": "版本、运行时间、连接、模型、存储",
        "sessions": "会话列表，最近的在前",
        "nodes": "提供相机、屏幕或位置的设备",
        "cron": "定时任务",
        "model": "可用的模型和默认模型",
        "reset": "忘记本会话的对话，重新开始",
        "stop": "停止本会话中正在运行和等待的任务",
        "approve": "允许一项危险操作一次：/approve <id>",
        "deny": "拒绝它：/deny <id>",
    },
    control=control_phrases.CHINESE,
)


def is_chinese(text: str) -> bool:
    """Whether somebody who writes this reads Chinese."""
    return _HAN.search(text) is not None and _KANA.search(text) is None
