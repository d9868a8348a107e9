"""Make the sample clip: two people whose expressions change, and one stretch without a face.

Everything comes from pictures in the public domain that scikit-image and matplotlib ship. The expressions are
made here, by bending the portraits a little around the brows, the lids and the mouth.

Use: python samples/make.py [OUT.mp4]
"""

import sys
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from matplotlib import cbook
from matplotlib.image import imread
from skimage import data

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 25, 15.4
SOUND_RATE, SOUND_BLOCK = 48000, 1024
REPLICATE = cv2.BORDER_REPLICATE
DETAIL = 2  # frames are composed at twice the size and then shrunk, which keeps slow movement smooth
SIZE = (WIDTH * DETAIL, HEIGHT * DETAIL)

# How far each named facial movement shifts each landmark, as (outward, down) in eye distances.
MOVES = {
    "inner_brow_up": {"brow_in": (0.0, -0.12), "brow_mid": (0.0, -0.03)},
    "brows_up": {"brow_in": (0.0, -0.11), "brow_mid": (0.0, -0.08), "brow_out": (0.0, -0.08)},
    "brow_down": {"brow_in": (-0.07, 0.12), "brow_mid": (-0.02, 0.07), "brow_out": (0.0, -0.01)},
    "lids_wide": {"lid_up": (0.0, -0.025), "lid_low": (0.0, 0.015)},
    "lids_tight": {"lid_up": (0.0, 0.025), "lid_low": (0.0, -0.04)},
    "smile": {"corner": (0.09, -0.12), "cheek": (0.03, -0.06), "lip_up": (0.0, 0.01)},
    "frown": {"corner": (0.0, 0.11), "lip_up": (0.0, -0.03), "lip_low": (0.0, -0.04)},
    "narrow": {"corner": (-0.13, 0.0), "cheek": (-0.03, 0.02)},
    "press": {"lip_up": (0.0, 0.05), "lip_low": (0.0, -0.05)},
}
# How far around its landmark a movement reaches, in eye distances.
REACH = {"brow_in": 0.17, "brow_mid": 0.17, "brow_out": 0.17, "lid_up": 0.12, "lid_low": 0.12}
REACH |= {"corner": 0.21, "cheek": 0.28, "lip_up": 0.14, "lip_low": 0.14}


def corners(text: str) -> np.ndarray:
    """Read "x,y x,y"."""
    return np.array([[float(number) for number in pair.split(",")] for pair in text.split()])


def smooth(value):
    """Go from 0 to 1 with a soft start and a soft end."""
    value = np.clip(value, 0.0, 1.0)
    return value * value * (3 - 2 * value)


def take(image: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Fetch the colours at the given places, which may lie between pixels."""
    return cv2.remap(image, xs.astype(np.float32), ys.astype(np.float32), cv2.INTER_CUBIC, None, REPLICATE)


class Actor:
    """A person cut out of a photograph, ready to be bent into a pose.

    The outline and the points are in pixels of the photograph; points are given for the picture's left side, then
    its right. The depths say how far the lower lip's top edge and the upper lip's bottom edge hang below the line
    between the mouth's corners. A pose holds amounts of the MOVES, and "jaw": how far the lower lip goes down, in
    eye distances. The photograph is first enlarged by `zoom`, so that small shifts stay smooth.
    """

    def __init__(self, photo, zoom, lip_depth, teeth_depth, outline, points, poses):
        enlarged = cv2.resize(photo, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        self.image, self.poses = enlarged.astype(np.float32), poses
        self.points = {name: corners(at) * zoom for name, at in (p.split(" ", 1) for p in points.split("; "))}
        left, right = self.points["eye"]
        self.center, self.unit = (left + right) / 2, float(np.linalg.norm(right - left))
        self.lip_depth, self.teeth_depth = lip_depth * zoom, teeth_depth * zoom
        self.cut_out(corners(outline) * zoom, zoom)
        # The part of the portrait that any movement can reach; nothing else has to be computed again.
        x, y = self.center
        reach = np.array([-1.15, -0.8, 1.15, 2.4]) * self.unit
        self.box = [round(value) for value in np.array([x, y, x, y]) + reach]

    def cut_out(self, outline: np.ndarray, zoom: float) -> None:
        """Make the soft-edged mask, and carry the person's own colours a little way over its edge."""
        mask = np.zeros(self.image.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        # Rounding off the corners of the hand-drawn outline, and pulling it in by about a pixel.
        mask = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 2.2 * zoom, borderType=REPLICATE)
        self.mask = smooth((mask - 0.5) / 0.36)
        inside = (mask > 0.93).astype(np.float32)
        near = cv2.GaussianBlur(self.image * inside[..., None], (0, 0), 3 * zoom)
        near /= cv2.GaussianBlur(inside, (0, 0), 3 * zoom)[..., None] + 1e-4
        # Without this the edge would keep a fringe in the colour of the photograph's own background.
        trust = smooth((mask - 0.62) / 0.34)[..., None]
        self.image = self.image * trust + near * (1 - trust)

    def posed(self, amounts: dict[str, float]) -> np.ndarray:
        """Return the portrait with the given amounts of each movement."""
        x0, y0, x1, y1 = self.box
        ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        shift_x, shift_y = np.zeros_like(xs), np.zeros_like(ys)
        for move, amount in amounts.items():
            for part, (outward, down) in MOVES.get(move, {}).items():
                spots = self.points[part]
                for side, (x, y) in zip((-1, 1) if len(spots) == 2 else (0,), spots, strict=True):
                    reach = REACH[part] * self.unit
                    weight = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * reach**2)) * (amount * self.unit)
                    if part.startswith("brow"):  # a brow must not drag the eye along
                        weight *= np.clip((self.points["eye"][max(side, 0)][1] - ys) / (0.3 * self.unit), 0, 1)
                    shift_x += side * outward * weight
                    shift_y += down * weight
        mouth = self.with_jaw(self.image[y0:y1, x0:x1], xs, ys, amounts.get("jaw", 0.0) * self.unit)
        result = self.image.copy()
        result[y0:y1, x0:x1] = take(mouth, xs - shift_x - x0, ys - shift_y - y0)
        return np.clip(result, 0, 255)

    def with_jaw(self, patch: np.ndarray, xs: np.ndarray, ys: np.ndarray, drop: float) -> np.ndarray:
        """Slide the lower lip and the chin down by `drop` (up, over the teeth, if negative)."""
        if abs(drop) < 0.05:
            return patch
        (left_x, left_y), (right_x, right_y) = self.points["corner"]
        across = (xs - (left_x + right_x) / 2) / ((right_x - left_x) / 2)  # -1 and 1 at the mouth's corners
        bow = np.clip(1 - across**2, 0, 1)
        line = left_y + (right_y - left_y) * (across + 1) / 2
        lip = line + self.lip_depth * bow**0.66
        slide = drop * bow ** (0.6 if drop > 0 else 0.66)
        # A dropped jaw takes the chin along; a closing lip only stretches the skin above the chin.
        hold, fade = (0.45, 0.75) if drop > 0 else (0.1, 0.55)
        below = (ys - lip - slide) / self.unit
        moved = take(patch, xs - self.box[0], ys - self.box[1] - slide * (1 - smooth((below - hold) / fade)))
        edge = 0.02 * self.unit
        inside = smooth((ys - lip) / edge + 0.5)
        teeth = smooth((ys - line - self.teeth_depth * bow) / edge + 0.5)
        # Teeth recede into the shade as the mouth opens; full white ones would look like laughter.
        inside = np.maximum(inside, 0.88 * teeth) * np.clip(slide / (2 * edge), 0, 1)
        # The inside of the mouth: nearly black under the upper lip, a little redder towards the tongue.
        depth = np.clip((ys - lip) / max(drop, 1.0), 0, 1)[..., None]
        color = np.array([38, 14, 16], np.float32) + depth * np.array([62, 24, 26], np.float32)
        upper = patch * (1 - inside[..., None]) + color * inside[..., None]
        is_lower = smooth((ys - lip - slide) / edge + 0.5)[..., None]
        return moved * is_lower + upper * (1 - is_lower)


COLLINS = Actor(
    photo=data.astronaut(),
    zoom=2.0,
    lip_depth=7.7,
    teeth_depth=1.6,
    outline=(
        "22,512 20,470 21,400 26,353 31,328 42,287 54,266 66,247 83,231 104,216 113,207 114,187 120,183 "
        "129,166 145,154 166,149 183,149 183,132 177,131 170,120 160,110 155,91 154,75 158,58 170,46 189,37 "
        "195,29 212,20 235,16 253,20 274,27 288,39 296,58 299,85 295,108 286,124 274,132 269,136 265,137 "
        "265,145 258,164 255,177 266,180 283,195 297,216 305,237 328,249 345,270 353,291 362,328 365,344 "
        "382,345 409,344 441,353 465,370 486,400 497,450 497,512"
    ),
    points=(
        "eye 203,101 247,103.2; brow_in 208,89.6 236.5,93; brow_mid 199,89.5 250,93.5; "
        "brow_out 190,91.5 263,95.7; lid_up 203,98 247,100; lid_low 203,104.5 247,106.5; "
        "corner 204.6,141 244,142.3; cheek 198,126 251,128; lip_up 224.3,140; lip_low 224.3,153"
    ),
    poses={  # she smiles in the photograph, so every other pose first takes the smile back
        "happy": {},
        "neutral": {"smile": -0.75, "jaw": -0.13, "narrow": 0.2},
        "surprise": {"smile": -0.9, "frown": 0.6, "narrow": 0.8, "jaw": 0.17, "brows_up": 0.85, "lids_wide": 0.8},
        "sad": {"smile": -0.9, "frown": 0.65, "jaw": -0.13, "narrow": 0.3, "inner_brow_up": 1.1, "lids_tight": 0.3},
    },
)
HOPPER = Actor(
    photo=imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)),
    zoom=1.25,
    lip_depth=1.2,
    teeth_depth=1.2,
    outline=(
        "11,600 21,520 28,440 41,403 54,386 77,379 110,364 150,350 182,337 197,318 200,308 196,297 178,290 "
        "162,277 160,262 161,235 154,203 155,193 152,188 147,170 147,120 152,100 165,90 172,84 176,70 190,52 "
        "217,40 225,28 255,22 285,28 302,40 335,58 350,75 354,86 362,87 368,98 371,125 370,160 367,183 375,188 "
        "375,205 366,235 360,255 362,280 352,300 340,306 331,309 330,319 349,338 399,360 439,372 469,380 "
        "487,393 497,412 508,447 509,600"
    ),
    points=(
        "eye 222.5,190 304.4,187; brow_in 245,170 285,168; brow_mid 222,166 306,163; brow_out 196,172 330,168; "
        "lid_up 222.5,184 304.4,181; lid_low 222.5,197 304.4,194; corner 227.1,280.7 307.5,278; "
        "cheek 214,248 322,246; lip_up 267,275; lip_low 267,288"
    ),
    poses={
        "neutral": {},
        "happy": {"smile": 1.0, "lids_tight": 0.6},
        "angry": {"brow_down": 1.1, "lids_tight": 0.7, "press": 0.7, "frown": 0.7},
        "surprise": {"jaw": 0.2, "frown": 0.4, "narrow": 1.2, "brows_up": 0.85, "lids_wide": 1.2},
        "sad": {"frown": 1.0, "inner_brow_up": 1.2},
    },
)


def blended_pose(actor: Actor, track: list[tuple[float, str]], now: float) -> dict[str, float]:
    """Mix the poses of a track of (start, name); each change takes 0.6 seconds."""
    amounts = dict(actor.poses[track[0][1]])
    for start, name in track[1:]:
        share, goal = float(smooth((now - start) / 0.6)), actor.poses[name]
        moves = sorted({*amounts, *goal})
        amounts = {move: amounts.get(move, 0.0) * (1 - share) + goal.get(move, 0.0) * share for move in moves}
    return amounts


def blended_place(keys: list[tuple[float, ...]], now: float) -> np.ndarray:
    """Follow keys of (time, x, y, eye distance): where the eyes' midpoint is in the frame, and how large."""
    place = np.array(keys[0][1:])
    for before, after in pairwise(keys):
        place = place + (np.array(after[1:]) - place) * smooth((now - before[0]) / (after[0] - before[0]))
    return place


def backdrop(light: tuple[int, int, int], dark: tuple[int, int, int]) -> np.ndarray:
    """Paint a calm studio background: a soft pool of light that fades outwards."""
    ys, xs = np.mgrid[: HEIGHT * DETAIL, : WIDTH * DETAIL].astype(np.float32) / (HEIGHT * DETAIL)
    fade = smooth(np.hypot((xs - 0.89) * 0.75, ys - 0.4) / 0.95)[..., None]
    grain = np.random.default_rng(1).normal(0, 1.5, fade.shape)  # hides the steps in the gradient
    return (np.array(light) * (1 - fade) + np.array(dark) * fade + grain).astype(np.float32)


def shots() -> list[tuple[float, np.ndarray, list]]:
    """The script of the clip: each shot's start, its background, and its cast with their faces and paths."""
    blue = backdrop((214, 222, 226), (120, 142, 160))
    sand = backdrop((222, 206, 186), (128, 104, 92))
    green = backdrop((206, 220, 208), (98, 128, 118))
    rocket = cv2.resize(data.rocket()[34:394], SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    # She is alone, makes room, and leaves to the left.
    collins_faces = [(0, "happy"), (1.3, "surprise"), (2.7, "happy"), (4.5, "neutral")]
    collins_path = [(0, 312, 128, 50), (3, 322, 128, 56), (4, 176, 138, 50), (5.5, 172, 138, 51), (6.3, -260, 138, 51)]
    # The other comes in from the right, and then takes the middle.
    hopper_faces = [(0, "neutral"), (4.3, "happy"), (5.7, "neutral")]
    hopper_path = [(3, 860, 134, 49), (4, 472, 134, 49), (5.5, 468, 134, 50), (6.4, 330, 138, 52), (7.3, 326, 138, 53)]
    close_faces = [(9.1, "neutral"), (9.3, "angry"), (10.7, "surprise")]
    close = (HOPPER, close_faces, [(9.1, 322, 158, 60), (12.1, 314, 161, 63.5)])
    left = (HOPPER, [(12.1, "sad"), (13.6, "happy")], [(12.1, 166, 138, 49), (15.4, 172, 136, 51)])
    right = (COLLINS, [(12.1, "sad"), (13.8, "happy")], [(12.1, 462, 138, 49), (15.4, 456, 136, 52)])
    first = [(COLLINS, collins_faces, collins_path), (HOPPER, hopper_faces, hopper_path)]
    return [(0.0, blue, first), (7.3, rocket, []), (9.1, sand, [close]), (12.1, green, [left, right])]


def frame_at(start: float, background: np.ndarray, cast: list, now: float) -> np.ndarray:
    """Compose one frame of a shot."""
    zoom = 1 + 0.02 * (now - start)  # the background comes slowly nearer; the people follow their own paths
    turn = cv2.getRotationMatrix2D((WIDTH * DETAIL / 2, HEIGHT * DETAIL / 2), 0, zoom)
    frame = cv2.warpAffine(background, turn, SIZE, borderMode=REPLICATE)
    for number, (actor, track, path) in enumerate(cast):
        x, y, eyes = blended_place(path, now) * DETAIL
        sway = 1.2 * np.sin(1.7 * now + 2 * number)  # degrees: nobody holds quite still
        matrix = cv2.getRotationMatrix2D(tuple(actor.center), sway, eyes / actor.unit)
        matrix[:, 2] += np.array([x, y]) - actor.center
        mask = cv2.warpAffine(actor.mask, matrix, SIZE)
        if not mask.any():
            continue
        image = cv2.warpAffine(actor.posed(blended_pose(actor, track, now)), matrix, SIZE, borderMode=REPLICATE)
        shadow = cv2.blur(cv2.blur(cv2.resize(mask, None, fx=0.25, fy=0.25), (17, 17)), (17, 17))
        aside = np.float32([[1, 0, 14], [0, 1, 10]])
        shadow = cv2.warpAffine(cv2.resize(shadow, SIZE), aside, SIZE, borderMode=REPLICATE)
        frame *= 1 - 0.28 * shadow[..., None]
        frame = frame * (1 - mask[..., None]) + image * mask[..., None]
    small = cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def music() -> np.ndarray:
    """Four quiet chords that melt into one another."""
    chords = [(220.0, 277.2, 329.6), (185.0, 220.0, 277.2), (146.8, 220.0, 293.7), (164.8, 246.9, 329.6)]
    now = np.arange(int(SECONDS * SOUND_RATE)) / SOUND_RATE
    length, sound = SECONDS / len(chords), np.zeros_like(now)
    for number, chord in enumerate(chords):
        loud = smooth((now - number * length) / 1.0 + 0.5) * smooth(((number + 1) * length - now) / 1.0 + 0.5)
        for tone in chord:
            for overtone, level in ((1, 1.0), (2, 0.22), (3, 0.07)):
                tremble = 1 + 0.12 * np.sin(2 * np.pi * (0.23 * overtone + tone / 2000) * now)
                sound += loud * tremble * level * np.sin(2 * np.pi * tone * overtone * now)
    fades = smooth(now / 1.2) * smooth((SECONDS - now) / 1.6)
    return (0.035 * sound * fades).astype(np.float32)


def write(path: Path) -> None:
    """Compose all frames and write the clip."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "21", "preset": "slow", "threads": "1"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=SOUND_RATE, layout="mono", options={"b": "64000"})
        script, sound = shots(), music()
        sent = 0
        for number in range(round(SECONDS * FPS)):
            now = number / FPS
            shot = [one for one in script if one[0] <= now + 1e-9][-1]
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame_at(*shot, now), format="rgb24")))
            # Sound goes in step with the pictures, so that the two are well interleaved in the file.
            while sent < len(sound) and sent < (now + 1 / FPS) * SOUND_RATE:
                block = av.AudioFrame.from_ndarray(sound[None, sent : sent + SOUND_BLOCK], "fltp", "mono")
                block.sample_rate, block.pts = SOUND_RATE, sent
                out.mux(audio.encode(block))
                sent += SOUND_BLOCK
        out.mux(video.encode())
        out.mux(audio.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("two-people.mp4"))
