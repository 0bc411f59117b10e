# plugins/recorder. Included before plugins.mk.
