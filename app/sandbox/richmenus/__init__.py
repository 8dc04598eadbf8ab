"""Rich menus: made by API with their images and aliases, tied to people, shown to them, tapped, and counted."""
