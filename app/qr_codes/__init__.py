"""Where friends come from: QR codes and links of stores, screens, posters and staff, and who came by them."""
