// Program transfer on a connection of its own (open payload 0001): download to the control and
// upload from it, as a state machine of frames.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/wire/frame.hpp"

namespace rise::cncsim {

inline constexpr std::size_t kTransferStartBytes = 516;
inline constexpr std::size_t kTransferChunkBytes = 1280;

class Transfer {
 public:
  enum class Result : std::uint8_t {
    Frames,     // *out has the frames to send, maybe none
    Aborted,    // the client gave up an upload: what is not sent yet must not be sent
    Malformed,  // not allowed here, or contradicts itself
  };

  // Handles one frame of the client; appends whole frames to *out.
  Result handle(const focas::wire::Frame& frame, Control& control, std::vector<std::uint8_t>* out);
  void reset();

 private:
  Result start_download(const focas::wire::Frame& frame, Control& control,
                        std::vector<std::uint8_t>* out);
  Result take_data(const focas::wire::Frame& frame, Control& control,
                   std::vector<std::uint8_t>* out);
  Result end_download(Control& control, std::vector<std::uint8_t>* out);
  static Result upload(const focas::wire::Frame& frame, Control& control,
                       std::vector<std::uint8_t>* out);

  bool receiving_ = false;
  focas::wire::Status failed_ = focas::wire::Status::Ok;  // the download is lost already
  std::string folder_;
  std::string text_;
};

// The negative reply to a transfer frame, as on a connection that is not for transfers. False: the
// type has none.
bool refuse_transfer(focas::wire::FrameType type, std::uint16_t version, focas::wire::Status status,
                     std::vector<std::uint8_t>* out);

}  // namespace rise::cncsim
