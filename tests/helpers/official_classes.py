"""The class names of the datasets, as they are distributed."""

from __future__ import annotations

JESTER_GESTURES = {
    *("Swiping Left", "Swiping Right", "Swiping Down", "Swiping Up", "Pushing Hand Away"),
    *("Pulling Hand In", "Sliding Two Fingers Left", "Sliding Two Fingers Right"),
    *("Sliding Two Fingers Down", "Sliding Two Fingers Up", "Pushing Two Fingers Away"),
    *("Pulling Two Fingers In", "Rolling Hand Forward", "Rolling Hand Backward"),
    *("Turning Hand Clockwise", "Turning Hand Counterclockwise", "Zooming In With Full Hand"),
    *("Zooming Out With Full Hand", "Zooming In With Two Fingers", "Zooming Out With Two Fingers"),
    *("Thumb Up", "Thumb Down", "Shaking Hand", "Stop Sign", "Drumming Fingers", "No gesture"),
    "Doing other things",
}
HMDB_CLASSES = {
    *("brush_hair", "cartwheel", "catch", "chew", "clap", "climb", "climb_stairs", "dive"),
    *("draw_sword", "dribble", "drink", "eat", "fall_floor", "fencing", "flic_flac"),
    *("golf", "handstand", "hit", "hug", "jump", "kick", "kick_ball", "kiss", "laugh"),
    *("pick", "pour", "pullup", "punch", "push", "pushup", "ride_bike", "ride_horse"),
    *("run", "shake_hands", "shoot_ball", "shoot_bow", "shoot_gun", "sit", "situp"),
    *("smile", "smoke", "somersault", "stand", "swing_baseball", "sword", "sword_exercise"),
    *("talk", "throw", "turn", "walk", "wave"),
}
UCF_CLASSES = {
    *("ApplyEyeMakeup", "ApplyLipstick", "Archery", "BabyCrawling", "BalanceBeam"),
    *("BandMarching", "BaseballPitch", "Basketball", "BasketballDunk", "BenchPress"),
    *("Biking", "Billiards", "BlowDryHair", "BlowingCandles", "BodyWeightSquats"),
    *("Bowling", "BoxingPunchingBag", "BoxingSpeedBag", "BreastStroke", "BrushingTeeth"),
    *("CleanAndJerk", "CliffDiving", "CricketBowling", "CricketShot", "CuttingInKitchen"),
    *("Diving", "Drumming", "Fencing", "FieldHockeyPenalty", "FloorGymnastics"),
    *("FrisbeeCatch", "FrontCrawl", "GolfSwing", "Haircut", "HammerThrow", "Hammering"),
    *("HandstandPushups", "HandstandWalking", "HeadMassage", "HighJump", "HorseRace"),
    *("HorseRiding", "HulaHoop", "IceDancing", "JavelinThrow", "JugglingBalls", "JumpRope"),
    *("JumpingJack", "Kayaking", "Knitting", "LongJump", "Lunges", "MilitaryParade"),
    *("Mixing", "MoppingFloor", "Nunchucks", "ParallelBars", "PizzaTossing"),
    *("PlayingCello", "PlayingDaf", "PlayingDhol", "PlayingFlute", "PlayingGuitar"),
    *("PlayingPiano", "PlayingSitar", "PlayingTabla", "PlayingViolin", "PoleVault"),
    *("PommelHorse", "PullUps", "Punch", "PushUps", "Rafting", "RockClimbingIndoor"),
    *("RopeClimbing", "Rowing", "SalsaSpin", "ShavingBeard", "Shotput", "SkateBoarding"),
    *("Skiing", "Skijet", "SkyDiving", "SoccerJuggling", "SoccerPenalty", "StillRings"),
    *("SumoWrestling", "Surfing", "Swing", "TableTennisShot", "TaiChi", "TennisSwing"),
    *("ThrowDiscus", "TrampolineJumping", "Typing", "UnevenBars", "VolleyballSpiking"),
    *("WalkingWithDog", "WallPushups", "WritingOnBoard", "YoYo"),
}
