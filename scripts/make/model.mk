# Model tests: the lock-free structures of rt_core/shm in every execution that the C++ memory model
# allows. One program, no libraries; `$(OUT)/tests/model --help`. It has one thread: ThreadSanitizer has
# nothing to find in it and takes minutes; the other variants take seconds.
MODEL_OBJ := $(call objects,$(wildcard tests/model/*.cpp))
$(OUT)/tests/model: $(MODEL_OBJ)
	$(call link,)

.PHONY: model
model: $(OUT)/tests/model ## explore the lock-free structures under the C++ memory model
	$(OUT)/tests/model
