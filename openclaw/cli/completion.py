"""``openclaw completion``: prints what a shell needs to complete our commands."""

import click
from click.shell_completion import get_completion_class

_HELP = """Print a shell's completion script.

\b
bash:  eval "$(openclaw completion bash)"
zsh:   eval "$(openclaw completion zsh)"
fish:  openclaw completion fish | source
"""
# In a docstring it would have to be raw, and click would see no control character.


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a shell's completion script."""
    make = get_completion_class(shell)
    if make is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(make(ctx.find_root().command, {}, "openclaw", "_OPENCLAW_COMPLETE").source())
