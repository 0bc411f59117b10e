# plugins/store. Included before plugins.mk.
