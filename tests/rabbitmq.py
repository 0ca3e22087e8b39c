"""A RabbitMQ for tests: a node of its own on ports of its own, that takes its helpers along when it ends."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from amqp import AMQPError
from kombu import Connection

from preflight.embedded.process import Child, Program, stop
from preflight.embedded.server import HOST, Server, free_port

#: Debian's script itself; the wrapper on PATH insists on its own account and directories.
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"

#: Erlang takes its time on a busy machine.
START_SECONDS = 120.0

CONFIGURATION = """\
listeners.tcp.1 = {host}:{port}
default_user = preflight
default_pass = {password}
"""


def installed() -> bool:
    return Path(SERVER).exists() and shutil.which("epmd") is not None


class RabbitMQ(Server):
    """A node that nobody else knows. Erlang would leave its port mapper behind as a daemon, so it has one of ours."""

    name = "rabbitmq"

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        super().wait_until_ready(seconds)

    @property
    def url(self) -> str:
        return f"amqp://preflight:{self.password}@{HOST}:{self.port}//"

    def prepare(self):
        self._mapper_port, self._distribution_port = free_port(), free_port()
        text = CONFIGURATION.format(host=HOST, port=self.port, password=self.password)
        (self.directory / "rabbitmq.conf").write_text(text)
        command = ("epmd", "-port", str(self._mapper_port), "-address", HOST)
        self._mapper = Child(Program(name="epmd", command=command, log=self.directory / "epmd.log"))

    def program(self) -> Program:
        places = {
            "HOME": self.directory,
            "RABBITMQ_NODENAME": f"preflight{self.port}@localhost",
            "RABBITMQ_DIST_PORT": self._distribution_port,
            "ERL_EPMD_PORT": self._mapper_port,
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_MNESIA_BASE": self.directory / "data",
            "RABBITMQ_LOG_BASE": self.directory,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": self.directory / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.directory / "plugins",
            "RABBITMQ_PID_FILE": self.directory / "pid",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }
        return Program(
            name=self.name,
            command=(SERVER,),
            log=self.log,
            environment={name: str(value) for name, value in places.items()},
            directory=self.directory,
            death_signal=signal.SIGTERM,
        )

    def answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=1) as connection:
                connection.connect()
                return True
        except (OSError, AMQPError):
            return False

    def stop(self):
        super().stop()
        stop([self._mapper])
