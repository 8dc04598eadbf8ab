"""What the product does. Each package names one part of it; a package imports only what stands below it."""
