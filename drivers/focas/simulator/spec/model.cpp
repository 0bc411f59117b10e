#include "drivers/focas/simulator/spec/model.hpp"

namespace rise::cncsim {

namespace {

constexpr Model kModels[] = {
    {"30i", "30", "G303", "G313", "26.0", 4, 5, 32, 10},
    {"31i", "31", "G433", "G423", "26.0", 4, 5, 32, 10},
    {"32i", "32", "G243", "G233", "26.0", 4, 5, 32, 10},
    {"0i-D", " 0", "D4F1", "D6F1", "11.0", 4, 5, 32, 10},
    {"0i-F", " 0", "D4G1", "D6G1", "05.0", 4, 5, 32, 10},
    {"16i", "16", "B0H1", "B1H1", "15.0", 2, 3, 8, 3},
    {"18i", "18", "BDH1", "BEH1", "15.0", 2, 3, 8, 2},
    {"21i", "21", "DDH1", "DEH1", "15.0", 2, 3, 8, 2},
    {"0i-A", " 0", "D4A0", "D6A0", "04.0", 1, 3, 8, 1},
    {"0i-B", " 0", "D4A1", "D6A1", "05.0", 2, 3, 8, 1},
    {"0i-C", " 0", "D4B1", "D6B1", "06.0", 2, 3, 8, 2},
};

}  // namespace

const Model* find_model(std::string_view name) {
  for (const Model& model : kModels) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

}  // namespace rise::cncsim
