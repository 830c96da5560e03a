"""The whole story on one laptop: portal, worker and simulator, played in front of the user."""
