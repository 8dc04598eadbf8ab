"""What is fetched beside the forecasts: observations, warnings, a second source's hours, the heat index."""
