// The body of the reply to an open request: what the control is. Its version in the frame header
// selects the layout and, for the client, the whole command set.
#pragma once

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::cncsim {

// Writes the body; the writer's frame has room for it (at most 360 bytes).
void write_open_reply(const Control& control, focas::wire::FrameWriter* writer);

}  // namespace rise::cncsim
