"""What the gateway knows of custom webhooks without loading their code."""

from openclaw.interfaces.channels import Abilities, Manifest, TextLimit

MANIFEST = Manifest(
    id="webhook",
    label="Webhook",
    settings="openclaw.channels.platforms.webhook.settings:WebhookSettings",
    factory="openclaw.channels.platforms.webhook.service:make",
    text=TextLimit(default=20_000, hard=100_000),
    abilities=Abilities(webhook=True, idempotent=True),
    webhook_bytes=256 << 10,
    webhook_path="/webhook/custom/{account}",
)
