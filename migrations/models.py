"""Every module with tables, imported so that Alembic knows them all."""

import tenants.api_keys.models
import tenants.areas.models
import tenants.brands.models
import tenants.clients.models
import tenants.line_accounts.models
import tenants.stores.models  # noqa: F401
from tenants.tables import Table

metadata = Table.metadata
