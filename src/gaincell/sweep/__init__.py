"""Many heads at once: points of a sweep, what is measured of each, the cluster it runs on."""
