"""What a brand manages of itself, over HTTP."""

from app.admin.api_clients.router import router as api_clients
from app.admin.areas.router import router as areas
from app.admin.audit_log.router import router as audit_log
from app.admin.brand.router import router as brand
from app.admin.line_accounts.router import router as line_accounts
from app.admin.partner_keys.router import router as partner_keys
from app.admin.staff.router import router as staff
from app.admin.store_keys.router import router as store_keys
from app.admin.stores.router import router as stores
from app.admin.support_grants.router import router as support_grants
from app.admin.till_devices.router import devices as till_devices
from app.admin.till_devices.router import links as till_links

routers = [
    brand, areas, stores, line_accounts, store_keys, partner_keys, api_clients, staff, audit_log, support_grants,
    till_links, till_devices,
]  # fmt: skip
