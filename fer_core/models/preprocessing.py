"""From a face in a frame to the network's input: the one function for training and inference.

The geometry was measured by running YuNet over FER2013's training images, which come as ready crops (crop side = 1):
box width 0.81, box height 1.05, box centre (0.50, 0.50), distance between the eyes 0.37, eyes to mouth 0.37.
A face cut out of a frame must match these crops: ten pixels off cost a peer 15 points of accuracy.
"""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["CROP_SIDE", "INPUT_SIDE", "SCALES", "prepare", "prepare_color", "standardize"]

CROP_SIDE = 48
"""Side of a face crop in pixels, as in FER2013."""

INPUT_SIDE = 44
"""Side of the network's input: the middle of the crop, which leaves room to shift in training."""

SCALES = ("standardise", "unit", "signed", "raw")

MIN_STD = 4.0
"""Grey levels; keeps the noise of a blank crop from being blown up to a face."""


def standardize(crops: np.ndarray) -> np.ndarray:
    """Network input from crops: the middle 44 pixels, mean 0 and standard deviation 1 for each image.

    Args:
        crops: uint8 (n, 48, 48), or (n, 44, 44) where training has cut them already.

    Returns:
        float32 (n, 44, 44, 1).

    Raises:
        ValueError: the shape is another one.
    """
    if crops.ndim != 3 or crops.shape[1:] not in {(CROP_SIDE, CROP_SIDE), (INPUT_SIDE, INPUT_SIDE)}:
        raise ValueError(f"crops must be (n, 48, 48) or (n, 44, 44); received {crops.shape}")
    edge = (crops.shape[1] - INPUT_SIDE) // 2
    middle = crops[:, edge : edge + INPUT_SIDE, edge : edge + INPUT_SIDE].astype(np.float32)
    return _even(middle)[..., None]


def _even(x: np.ndarray) -> np.ndarray:
    """Return the mean 0 and standard deviation 1 for each image of float32 (n, side, side), which may be changed."""
    flat = x.reshape(len(x), x.shape[1] * x.shape[2])
    flat -= flat.mean(1, keepdims=True)
    # A sixth of the time of `std`, which takes the mean away again; training asks for it with each batch.
    std = np.sqrt(np.einsum("ij,ij->i", flat, flat) / flat.shape[1])
    flat /= np.maximum(std, MIN_STD)[:, None]
    return flat.reshape(x.shape)


def prepare_color(crops: np.ndarray, side: int, scale: str) -> np.ndarray:
    """Network input in colour, for networks of others that take it.

    Args:
        crops: uint8 (n, s, s, 3) RGB, or grey (n, s, s), which is given three times.
        side: of the input.
        scale: as for `prepare`; each image is standardised as a whole.

    Returns:
        float32 (n, side, side, 3).
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; received {scale!r}")
    x = np.empty((len(crops), side, side, 3), np.float32)
    for i, crop in enumerate(crops):
        way = cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR
        sized = crop if crop.shape[0] == side else cv2.resize(crop, (side, side), interpolation=way)
        x[i] = sized if sized.ndim == 3 else sized[..., None]
    if scale == "unit":
        return x / 255
    if scale == "signed":
        return x / 127.5 - 1
    if scale == "standardise":
        flat = x.reshape(len(x), -1)
        flat -= flat.mean(1, keepdims=True)
        flat /= np.maximum(flat.std(1, keepdims=True), MIN_STD)
    return x


def prepare(crops: np.ndarray, side: int = INPUT_SIDE, scale: str = "standardise") -> np.ndarray:
    """Network input from crops, as the network's card asks for it; training and inference both come here.

    Args:
        crops: uint8 (n, 48, 48), or (n, 44, 44) where training has cut them already.
        side: of the input; 44 cuts the middle out, other sizes are scaled from the whole crop.
        scale: standardise for mean 0 and standard deviation 1 of each image; unit for grey levels from 0 to 1; signed
            for grey levels from -1 to 1; raw for grey levels from 0 to 255.

    Returns:
        float32 (n, side, side, 1).

    Raises:
        ValueError: the shape or the scale is another one.
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; received {scale!r}")
    if side == INPUT_SIDE and scale == "standardise":
        return standardize(crops)
    if crops.ndim != 3 or crops.shape[1:] not in {(CROP_SIDE, CROP_SIDE), (INPUT_SIDE, INPUT_SIDE)}:
        raise ValueError(f"crops must be (n, 48, 48) or (n, 44, 44); received {crops.shape}")
    if side == INPUT_SIDE < crops.shape[1]:
        edge = (crops.shape[1] - side) // 2
        crops = crops[:, edge : edge + side, edge : edge + side]
    elif side != crops.shape[1]:
        sized = np.empty((len(crops), side, side), np.uint8)
        for i, crop in enumerate(crops):
            sized[i] = cv2.resize(crop, (side, side), interpolation=cv2.INTER_LINEAR)
        crops = sized
    x = crops.astype(np.float32)
    if scale == "unit":
        x /= 255
    elif scale == "signed":
        x = x / 127.5 - 1
    elif scale == "standardise":
        x = _even(x)
    return x[..., None]
