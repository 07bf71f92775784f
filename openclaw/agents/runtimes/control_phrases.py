"""What is answered to commands about runs and approvals, in English and in Chinese; words only."""

# ruff: noqa: RUF001 - the full-width punctuation is Chinese, and meant.

from attrs import frozen


@frozen(kw_only=True)
class ControlPhrases:
    """One language; ``{}`` fields are filled by the commands."""

    stopped: str
    stopped_more: str
    nothing_runs: str
    allowed: str
    denied: str
    only_once: str
    unknown_id: str
    ambiguous: str
    usage: str
    nothing_waits: str
    more: str
    needs_factor: str
    for_people: str


ENGLISH = ControlPhrases(
    stopped="Stopped.",
    stopped_more="Stopped. Also taken back, because it was still waiting: {count}.",
    nothing_runs="Nothing runs here.",
    allowed="Allowed, once: {command}.",
    denied="Refused: {command}.",
    only_once="Every permission is good for one use. Say /approve <id> once.",
    unknown_id=(
        "No approval of that id waits: it was decided already, has expired, or never was. "
        "/approve alone lists those that wait."
    ),
    ambiguous="More than one approval begins like that. Give the whole id.",
    usage="/approve <id> allows it once, /deny <id> refuses it. Waiting now:",
    nothing_waits="- nothing",
    more="… and {count} more; `openclaw gateway call exec.approval.list` shows all.",
    needs_factor=(
        "{command} needs a second factor here, which cannot be shown in this chat. "
        "Use a client that has shown it."
    ),
    for_people="{command} is only taken from a person in a chat, not from a program or a model.",
)

CHINESE = ControlPhrases(
    stopped="已停止。",
    stopped_more="已停止，并撤回了 {count} 条还在等待的消息。",
    nothing_runs="这里没有正在运行的任务。",
    allowed="已允许一次：{command}。",
    denied="已拒绝：{command}。",
    only_once="每次许可只能使用一次。请发送 /approve <id> once。",
    unknown_id=(
        "没有等待中的该编号的审批：它已处理、已过期，或从未存在。"
        "单独发送 /approve 可列出等待中的审批。"
    ),
    ambiguous="有多个审批以此开头，请给出完整编号。",
    usage="/approve <id> 允许一次，/deny <id> 拒绝。等待中：",
    nothing_waits="- 无",
    more="…… 另有 {count} 个；`openclaw gateway call exec.approval.list` 显示全部。",
    needs_factor="{command} 需要第二因素验证，无法在此聊天中完成。请使用已通过验证的客户端。",
    for_people="{command} 只接受人在聊天中发出的，不接受程序或模型发出的。",
)
