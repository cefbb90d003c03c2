"""Which parts of the body a header names, and how far each is from a face.

A word for the head goes before all others, wherever it stands: "abdomen" beside
"neck" is a neck. A part that is named says where the examination was, not where
each slice lies; what else has to hold then is written in `judge`.

The words are stems and terms of some twenty languages in small letters without accents
(`texts.plain`); a short one counts only as a word of its own.

Source: PS3.16 Annex L (Body Part Examined, anatomic regions).
"""

import re
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Part(IntEnum):
    """Parts of a body by how near they are to the face, the nearest first."""

    HEAD = 0
    """Head and neck, spine of the neck included."""

    UNKNOWN = 1
    """Whole bodies and spines, limbs that are not said which, and names that are not known."""

    CHEST = 2
    """Chest and upper back: of a bent neck the jaw lies before them."""

    SHOULDER = 3
    ARM = 4
    """From the elbow to the fingers: it may have been held beside the head."""

    HEART = 5
    """Heart and breast: organs that an image is centred on."""

    TRUNK = 6
    """Abdomen, pelvis, lower back."""

    LEG = 7


def _any(stems: str, words: str) -> re.Pattern[str]:
    """Return what finds one of `stems` anywhere, or one of `words` between blanks."""
    some = "|".join(stems.split())
    whole = "|".join(word.replace("_", " ") for word in words.split())
    return re.compile(f"{some}|(?<= )(?:{whole})(?= )")


_HEAD: Final = _any(
    stems="""
    head skull brain encephal encefal cereb cervic crani cranium facial maxill mandib neuro orbit
    sinus (?<!acci)(?<!inci)dental tooth teeth pituit hypoph sella mastoid petros cochle vestibul
    carot karot ceph optic trigem mening cholesteat thyr tiroid schilddrus laryn pharyn parot
    saliv willis mprage flair fmri epilep dement alzheim tinnitus atlanto odontoid forehead
    vertex nasoph nasal tonsil kopf schadel schaedel gehirn gesicht hals kiefer
    zahn felsenbein auge nacken stirn cervel craneo machoire visage cabeza cabeca cuello
    pescoco rosto mascell collo(?=\\s) hoofd hersen gelaat kaak glow mozg twarz szyj czaszk
    zatok hoved huvud hjern hjarn ansikt nakke nacke kaula kasvo aivot hlava hlavy mozek mozku
    oblicej koponya agykop kafatas beyin boyun
    голов мозг лиц шеи шея черепа череп пазух глаз зуб челюст
    κεφαλ εγκεφαλ προσωπ αυχεν
    头 頭 颅 顱 脑 腦 脳 脸 臉 顔 面部 颈 頸 首 眼 鼻 牙 歯 颌 顎 耳 咽 喉 甲状
    두부 뇌 안면 경부 경추 머리 얼굴
    رأس راس دماغ وجه رقبة ראש מוח צוואר
    """,
    words="""
    face faces ear ears eye eyes nose nasus neck ent hno kno orl iac iam tmj atm jaw jaws chin lip
    lips tongue mouth scalp bold cbct opg hws csp csh cspine c_spine c_sp hn h_n
    hnc pns nnh nvu cow dura tete testa volto viso cara cou oreille oeil yeux nez bouche naso
    nariz boca ojo ojos oido oreja olho olhos orecchio orecchie occhio occhi bocca hode hals fej
    nyak yuz krk uho temporal_bone temporal_lobe temporal_bones os_temporale
    stroke
    """,
)
_UNKNOWN: Final = _any(
    stems="""
    whole total.?(?:body|spine) full.?spine scolio skolio ganz entire corps.entier cuerpo.entero
    corpo.inter polytrau trauma.?scan
    """,
    words="""
    body wb ptb pet_ct petct upper_extremity upperlimb upper_limb extremity limb limbs
    """,
)
_CHEST: Final = _any(
    stems="""
    chest thora torax torac lung pulmo pneum bronch esoph oesoph mediast sternum stern(?=al)
    brustkorb brustwirbel lunge poumon torako pluc plice
    грудн легк 胸 肺 흉부 폐
    """,
    words="rib ribs tspine t_spine bws aorta back",
)
_SHOULDER: Final = _any(
    stems="""
    shoulder clavic scapul humer schulter epaule hombro ombro spalla omoplat schouder skulder
    axilla acromio плеч 肩 어깨
    """,
    words="arm arms oberarm bras brazo braco braccio axilla ac_joint",
)
_ARM: Final = _any(
    stems="""
    elbow forearm wrist finger thumb(?!nail) ellenbog unterarm handgelenk coude poignet muneca
    codo mano(?=\\s) polso gomito cotovelo punho carpal scaphoid кист локт 手 腕 肘 손
    """,
    words="hand hands mao hande doigt dedo pols pulgar",
)
_HEART: Final = _any(
    stems="heart cardi herz coeur corazon coracao mamm breast 心 乳 심장 유방",
    words="hart seins mama mamas brust borst",
)
_TRUNK: Final = _any(
    stems="""
    abdom pelvi (?<!de)liver hepat pancrea spleen kidney renal nephr urete bladder prostat uterus
    uterin gebarmutter ovar bowel intestin rectum rectal stomach gastr biliar cholecyst cholangi
    gallbl mrcp adrenal lumb sacr coccy
    becken bauch leber niere milz harnblas bassin ventre foie rein(?=s) vientre higado
    rinon figado fegato pelve bekken buik nier(?=en) brzuch watrob miednic
    scrot testic penis anal(?=\\s) perine
    живот брюш таз печен почк 腹 肝 肾 腎 盆 腰 膵 胰 脾 복부 골반 간
    """,
    words="lspine l_spine ls lws ksb kub colon kolon iliac si_joint si_joints buttock",
)
_LEG: Final = _any(
    stems="""
    knee thigh femur femor ankle tibia fibul calcan achill patell menisc
    knie oberschenk unterschenk sprunggelenk fuss(?=\\s) hufte genou cuisse jambe cheville rodilla
    muslo tobillo joelho coxa tornozelo ginocchio caviglia koleno kolan enkel
    колен стоп бедр голен 膝 足 踝 股 髋 무릎 발
    """,
    words="""
    leg legs foot feet(?!_first) lower_extremity lower_limb lower_limbs calf toe toes hip hips wade
    pied hanche pie cadera anca piede voet heup bein hallux
    """,
)
_PATTERNS: Final = (
    (Part.HEAD, _HEAD),
    (Part.UNKNOWN, _UNKNOWN),
    (Part.CHEST, _CHEST),
    (Part.SHOULDER, _SHOULDER),
    (Part.ARM, _ARM),
    (Part.HEART, _HEART),
    (Part.TRUNK, _TRUNK),
    (Part.LEG, _LEG),
)

_CODES: Final = MappingProxyType(
    {
        Part.CHEST: "816094009 T-D3000 416550000 R-FAB55 416775004 R-FAB56 122495006 T-11502",
        Part.TRUNK: "818981001 T-D4000 818982008 R-FAB57 816092008 T-D6000 122496007 T-11503",
        Part.HEART: "76752008 T-04000 80891009 T-32000",
        Part.SHOULDER: "16982005 T-D2220",
        Part.ARM: "85562004 T-D8700",
        Part.LEG: "72696002 T-D9200 24136001 T-15710 56459004 T-D9700",
    }
)
"""Regions that are also known by their code alone, in SNOMED CT and in its older form."""
_PART_OF_CODE: Final = MappingProxyType(
    {code: part for part, some in _CODES.items() for code in some.split()}
)

_SKIN: Final = _any(
    stems="skin haut peau pelle piel external outline outer surface extern contour kontur silhouet",
    words="body bodies patient whole_body external_body",
)


def parts_named(text: str) -> set[Part]:
    """Return the parts that `text` (as `plain` gives it) names."""
    return {part for part, pattern in _PATTERNS if pattern.search(text)}


def part_of_code(code: str) -> Part | None:
    """Return the part that the code of an anatomic region means, or None."""
    return _PART_OF_CODE.get(code)


def names_skin(text: str) -> bool:
    """Return whether `text` (as `plain` gives it) names the outside of a body."""
    return bool(_SKIN.search(text))
