// What the driver tells people of its own accord, by number (rise_host.notice).
#pragma once

#include "drivers/focas/text.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

enum class Notice : std::int32_t {
  AxesDiffer = 1,
  PathsDiffer = 2,
  ItemRefused = 3,
  FrameRefused = 4,
  Failover = 5,
  Failback = 6,
  CommandSession = 7,
  UnitsDiffer = 8,
  SpindlesDiffer = 9,
  AlarmTexts = 10,
  MachineDiffers = 11,
};

inline void tell(const rise_host& host, Notice notice, const Text& text) {
  host.notice(host.context, static_cast<std::int32_t>(notice), text.c_str());
}

}  // namespace rise::focas
