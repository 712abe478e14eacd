"""The device's end of the cable, written from data sheets, never from drivers."""
