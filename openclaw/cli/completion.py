"""``openclaw completion``: prints what a shell needs to complete our commands."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    r"""Print a shell's completion script.

    \b
    bash:  eval "$(openclaw completion bash)"
    zsh:   eval "$(openclaw completion zsh)"
    fish:  openclaw completion fish | source
    """
    make = get_completion_class(shell)
    if make is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(make(ctx.find_root().command, {}, "openclaw", "_OPENCLAW_COMPLETE").source())
