"""The environment, read once, frozen."""

from functools import cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: Any) -> Any:
    """Networks as people write them into an environment: separated by commas."""
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Everything that differs between installations; each field is the environment variable `NOREN_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="NOREN_", frozen=True, extra="ignore")

    database_url: SecretStr | None = None
    """As the restricted role `noren_app`. Unset: an embedded Postgres in `data_dir`."""
    owner_database_url: SecretStr | None = None
    """As `noren_owner`, for migrations only."""
    admin_database_url: SecretStr | None = None
    """As a role that may create roles, for `noren setup` only."""
    master_keys: SecretStr | None = None
    """`id:base64,…`, 32 bytes each, or `file:/path` of such keys, read again when it changes; the first one wraps.
    Unset with an embedded database: a file in `data_dir`."""
    data_dir: Path = Path(".noren")
    public_url: str = "http://127.0.0.1:8000"
    line_api_url: str = "https://api.line.me"
    line_data_url: str = "https://api-data.line.me"
    line_login_url: str = "https://access.line.me"
    """Where people sign in with LINE; by this name, too, the ID tokens of LINE Login say who issued them."""
    line_app_url: str = "https://line.me"
    """Where the links begin that LINE's app opens, such as the one by which an account is added as a friend."""
    line_test_url: str | None = None
    """A look-alike of LINE, such as `noren sandbox`, for accounts in test mode. Unset: there is no test mode."""
    oidc_issuer: str | None = None
    """The identity provider by which staff sign in, as its discovery document names itself. Unset: nobody signs in."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    jma_url: str = "https://www.jma.go.jp"
    open_meteo_url: str | None = None
    """The second source of weather, for what JMA does not state: `https://api.open-meteo.com`, a server of your own, or
    with a key nothing. Unset, and without a key: there is no second source."""
    open_meteo_key: SecretStr | None = None
    """Of a paid plan. Open-Meteo's free service may not be used commercially: no rule on it can go live."""
    wbgt_url: str = "https://www.wbgt.env.go.jp"
    """The Ministry of the Environment's heat index and heat-stroke alerts."""
    pool_size: int = 16
    """Database connections of one `serve` process, and so the requests it works on at the same time."""
    statement_timeout_seconds: float = Field(default=30.0, gt=0)
    """How long the database may work on one statement of a request."""
    lock_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long a statement of a request waits for a row that another transaction holds."""
    max_body_bytes: int = 1_000_000
    max_upload_bytes: int = Field(default=1_000_000_000, ge=1)
    """The largest file that is taken in, unpacked."""
    max_content_bytes: int = Field(default=200_000_000, ge=1)
    """The largest picture, video or file of a LINE message that is passed on."""
    rate_limit: int = Field(default=6_000, ge=1)
    """Requests a minute that one credential may make, over all processes."""
    anonymous_rate_limit: int = Field(default=600, ge=1)
    """Requests a minute without a valid credential that one process takes from one address."""
    unknown_code_limit: int = Field(default=30, ge=1)
    """Codes that nobody has for which one credential may ask a minute at one store."""
    trusted_proxies: Networks = ()
    """Networks whose `X-Forwarded-For` is believed, such as a load balancer's."""
    max_media_bytes: int = Field(default=2_000_000_000, ge=1)
    """What all images of one brand may take, in all their sizes."""
    worker_lanes: int = 32
    """Lanes that one worker process works on at the same time."""
    ready_url: str | None = None
    """A further address that must answer before `/readyz` does, such as the demo's sandbox."""
    ready_needs_worker: bool = False
    """Whether `/readyz` waits for a worker that is alive."""
    log_level: str = "info"
    contact: str = "https://github.com/noren-crm/noren"
    """Named in the User-Agent of calls to public services."""


def tell_unloaded_demo(settings: Settings) -> str | None:
    """What a command says first when it is about to use a demo's database without the demo's other settings."""
    if settings.database_url is not None or not (settings.data_dir / "demo.json").exists():
        return None
    return (
        f"This looks at the embedded database in {settings.data_dir} with the real LINE and JMA, not as its demo does. "
        f"To load the demo's environment: set -a; . {settings.data_dir / 'env'}; set +a"
    )


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
