// The checks for which the bus's side stands on both ends: a courier with a store sends, another
// one drops what comes again.
#pragma once

#include "tests/bus_adapter/kit.hpp"

namespace rise::bus_adapter {

void exactly_once_over_cut_links(Kit* kit);
void in_order_over_cut_links(Kit* kit);
void exactly_once_under_duplicate_delivery(Kit* kit);

}  // namespace rise::bus_adapter
