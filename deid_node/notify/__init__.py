"""Mail and webhooks for sites that no Prometheus watches: what is wrong, and what waits."""
