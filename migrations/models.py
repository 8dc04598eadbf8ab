"""Every module with tables, imported so that Alembic knows them all."""

import app.audit.models
import app.auto_replies.models
import app.auto_tags.models
import app.campaigns.experiments.models
import app.campaigns.models
import app.campaigns.reminders.models
import app.cards.models
import app.commerce.models
import app.coupons.incidents
import app.coupons.line_coupons.models
import app.coupons.models
import app.customer_lists.models
import app.customers.attributes.models
import app.customers.consents.models
import app.customers.erasing.models
import app.customers.joining.models
import app.customers.models
import app.customers.notes.models
import app.customers.preferences.models
import app.events.models
import app.idempotency
import app.inbound.models
import app.insight.models
import app.jobs.models
import app.liff.models
import app.links.models
import app.loyalty.models
import app.media.models
import app.messaging.models
import app.messaging.safety.models
import app.operations.models
import app.qr_codes.models
import app.reports.models
import app.reports.settlements.models
import app.segments.models
import app.templates.models
import app.weather.archive.models
import app.weather.feeds.models
import app.weather.models
import app.webhooks.models  # noqa: F401
import tenants.api_keys.models
import tenants.areas.models
import tenants.brands.models
import tenants.clients.models
import tenants.line_accounts.models
import tenants.operators.models
import tenants.staff.models
import tenants.stores.models
import tenants.tills.models  # noqa: F401
from tenants.tables import Table

metadata = Table.metadata
