"""Brands, areas, stores, accounts and credentials."""

import os
from datetime import timedelta
from typing import Any

from app.keys import digest_of, new_secret
from tenants.api_keys.models import ApiKey, ApiKeyStore, CredentialHash
from tenants.areas.models import Area, AreaStore
from tenants.brands.models import Brand
from tenants.brands.queries import next_no
from tenants.clients.models import AccessToken, ApiClient
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.permissions import PERMISSIONS, STORE_PERMISSIONS
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tenants.tills.models import TillDevice
from tenants.tills.service import DEVICE


def new_brand(keyring: Keyring, **changes: Any) -> Brand:
    """A brand, not yet added to a session. People of one provider are joined unless a test says otherwise."""
    brand_id = uuid7()
    master_key_id, wrapped_key = keyring.wrap_new_key(brand_id)
    values = {"name": "のれん食堂", "joining_basis": "provider_page", **changes}
    return Brand(id=brand_id, master_key_id=master_key_id, wrapped_key=wrapped_key, **values)


def store(session: ScopedSession, **changes: Any) -> Store:
    """A shop in Tokyo, open all day."""
    no = next_no(session, "store")
    values = {
        "no": no,
        "code": f"S{no:03}",
        "name": f"{no}号店",
        "municipality_code": "13104",
        "latitude": 35.69,
        "longitude": 139.70,
        "weather_area": {
            "class20": "1310400",
            "class10": "130010",
            "office": "130000",
            "source": "municipality",
        },
    }
    row = Store(**{**values, **changes})
    session.add(row)
    session.flush()
    return row


def area(session: ScopedSession, *stores: Store, **changes: Any) -> Area:
    """An area of these stores."""
    row = Area(**{"name": "東京", **changes})
    session.add(row)
    session.flush()
    session.add_all(AreaStore(area_id=row.id, store_id=one.id, store_no=one.no) for one in stores)
    session.flush()
    return row


def line_account(session: ScopedSession, *stores: Store, **changes: Any) -> LineAccount:
    """An account of these stores; its sealed secret opens to nothing unless the test seals one."""
    no = next_no(session, "line_account")
    values = {
        "no": no,
        "name": f"アカウント{no}",
        "channel_id": f"165{no:07}",
        "sealed_secret": b"",
        "provider_id": "provider-1",
        "bot_user_id": "U" + os.urandom(16).hex(),
        "store_nos": sorted(one.no for one in stores),
        "status": "ok",
    }
    row = LineAccount(**{**values, **changes})
    session.add(row)
    session.flush()
    session.add_all(LineAccountStore(line_account_id=row.id, store_id=one.id, store_no=one.no) for one in stores)
    session.flush()
    return row


def access_token(session: ScopedSession, permissions: list[str] | None = None) -> str:
    """A bearer token of a new client of head office, with every permission unless the test says otherwise."""
    granted = sorted(PERMISSIONS) if permissions is None else permissions
    client = ApiClient(name="本部システム", secret_digest=b"", permissions=granted)
    session.add(client)
    session.flush()
    token = AccessToken(api_client_id=client.id, permissions=granted, expires_at=utc_now() + timedelta(hours=1))
    session.add(token)
    secret = new_secret("token")
    session.add(CredentialHash(digest=digest_of(secret), kind="access_token", credential_id=token.id))
    session.flush()
    return secret


def api_client(session: ScopedSession, permissions: list[str] | None = None) -> tuple[ApiClient, str]:
    """A client of head office with its secret, with every permission unless the test says otherwise."""
    granted = sorted(PERMISSIONS) if permissions is None else permissions
    secret = new_secret("client")
    client = ApiClient(name="会計システム", secret_digest=digest_of(secret), permissions=granted)
    session.add(client)
    session.flush()
    return client, secret


def store_key(session: ScopedSession, *stores: Store, permissions: list[str] | None = None) -> str:
    """A key of these stores."""
    granted = sorted(STORE_PERMISSIONS) if permissions is None else permissions
    secret = new_secret("store")
    key = ApiKey(name="レジ", prefix=secret[:16], permissions=granted)
    session.add(key)
    session.flush()
    session.add_all(ApiKeyStore(api_key_id=key.id, store_id=one.id, store_no=one.no) for one in stores)
    session.add(CredentialHash(digest=digest_of(secret), kind="store_key", credential_id=key.id))
    session.flush()
    return secret


def till_device(session: ScopedSession, store: Store, **changes: Any) -> tuple[TillDevice, str]:
    """A till that is signed in, and the secret in its cookie."""
    now, secret = utc_now(), new_secret("till")
    values = {"name": "レジ1", "pin_digest": b"", "invited_until": now, "opened_at": now}
    device = TillDevice(store_id=store.id, store_no=store.no, **{**values, **changes})
    session.add(device)
    session.flush()
    session.add(CredentialHash(digest=digest_of(secret), kind=DEVICE, credential_id=device.id))
    session.flush()
    return device, secret
