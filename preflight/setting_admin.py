"""Settings of the admin page, a part of all settings."""

from __future__ import annotations

import ipaddress
import re

import pydantic
from pydantic import Field
from pydantic_settings import BaseSettings

from preflight.setting_types import Words, checked_url

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)


class AdminSettings(BaseSettings):
    """Where the admin page is, who may reach it, and how people are told apart."""

    flower_url: str = Field("", description="Where people reach Flower: the admin page links to it.")
    admin_host: str = Field("127.0.0.1", description="Address that the admin page listens on.")
    admin_port: int = Field(8080, ge=1, le=65535, description="Port that the admin page listens on.")
    admin_url: str = Field(
        "", description="Where people reach the admin page, as https://preflight.example.org: links lead there."
    )
    admin_allowed_hosts: Words = Field(
        (), description="Names under which the admin page is served, besides its address, its URL and localhost."
    )
    admin_session_hours: int = Field(12, ge=1, le=720, description="Hours after which a sign-in ends.")
    admin_trusted_proxies: Words = Field(
        (), description="Addresses and networks of proxies whose X-Forwarded-For and -Proto are believed."
    )
    admin_proxy_header: str = Field(
        "",
        description="Header in which a trusted proxy names who has signed in there, as X-Forwarded-User; off if empty.",
    )
    admin_proxy_admins: Words = Field((), description="Users of that header who are admins; the others are viewers.")

    @pydantic.field_validator("admin_url", "flower_url")
    @classmethod
    def _address_is_well_formed(cls, value: str) -> str:
        return checked_url(value, ("http", "https")).rstrip("/") if value else value

    @pydantic.field_validator("admin_trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            try:
                ipaddress.ip_network(word)
            except ValueError:
                raise ValueError(f"holds {word!r}: name addresses and networks as 10.0.0.5 or 10.0.0.0/24") from None
        return value

    @pydantic.field_validator("admin_proxy_header")
    @classmethod
    def _header_is_of_a_proxy(cls, value: str, info: pydantic.ValidationInfo) -> str:
        if value and not HEADER.fullmatch(value):
            raise ValueError("must be the name of a header, as X-Forwarded-User")
        if value and not info.data.get("admin_trusted_proxies"):
            raise ValueError("is believed from nobody: name the proxy in PREFLIGHT_ADMIN_TRUSTED_PROXIES")
        return value

    @property
    def admin_address(self) -> str:
        """Where people reach the admin page: as set, else where it listens."""
        host = f"[{self.admin_host}]" if ":" in self.admin_host else self.admin_host
        return self.admin_url or f"http://{host}:{self.admin_port}"
