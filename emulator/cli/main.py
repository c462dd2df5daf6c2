"""The command `kemu`: its verbs, each in a module of its own that is imported when it is used.

`kemu --help` must not pay for what the verbs need, so names and one-line helps stand here.
"""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "up": "Run manifests: Services, Brokers, Sources … until Ctrl-C.",
    "down": "Stop a running kemu and wait until it is gone.",
    "ps": "Show Services with their revisions, replicas and last cold start.",
    "stats": "Show how long requests and starts take, by Revision.",
    "get": "List objects, as kubectl does.",
    "describe": "Show one object with its conditions, children and events.",
    "logs": "Show what functions wrote.",
    "send": "Post a CloudEvent to a broker, channel, sequence, Service or URL.",
    "fire": "Make a PingSource tick now.",
    "apply": "Create or change objects from files in a running kemu.",
    "delete": "Delete objects.",
    "kubeconfig": "Print the path of the kubeconfig for kubectl, kn and func.",
    "env": 'Print what `eval "$(kemu env)"` sets: KUBECONFIG.',
}


class Verbs(click.Group):
    """A group that knows its verbs' names and loads one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"emulator.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from emulator.lib.guesses import did_you_mean  # only wrong words need it

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            meant = did_you_mean(args[0], COMMANDS) or f"there are: {', '.join(COMMANDS)}"
            ctx.fail(f'there is no verb "{args[0]}"; {meant}')
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kemu", message="kemu %(version)s")
def kemu() -> None:
    """Knative on a laptop, in one process: the same YAML, no cluster."""
