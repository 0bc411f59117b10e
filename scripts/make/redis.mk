# plugins/redis. Included before plugins.mk.
